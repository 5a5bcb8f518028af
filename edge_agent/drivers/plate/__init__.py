"""Plate cameras that read by themselves: what they push, taken apart and understood. Pure: bytes in, values out.

`multipart` takes a push's body apart, `xml_tree` reads a camera's XML within bounds, `plate_text` brings a plate into
one spelling. `hikvision_events` understands a Hikvision camera's documents, `hikvision` its pushes.
"""
