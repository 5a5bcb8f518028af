"""The told part of the demo: passages with one thing wrong each, as records that a real agent signs and delivers.

What cannot be shown without photographs, scanners and weeks of time is told here: readings are written as a lane would
have written them, behind drivers and cameras. Everything from the journal on is real.
"""
