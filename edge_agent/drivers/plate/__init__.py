"""Plate cameras that read by themselves: what they send, taken apart and understood by their profile. Pure.

`body` takes what comes apart into `parts` (`extents`, `pictures`: where a document or picture ends), `tree` and
`xml_tree` read documents into one shape, `events` finds in them what `schema`'s profile says (`paths`, `capture_time`,
`plate_text`), `camera` makes messages and readings of it, and `merge` one reading of a vehicle's several packets.
"""
