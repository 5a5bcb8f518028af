"""Plate cameras that read by themselves: what they send, taken apart and understood by their profile. Pure.

`body` takes what comes apart into `parts` (`extents`, `pictures`: where a document or picture ends). `fields` finds the
texts that `schema`'s profile asks for: it reads documents into one shape (`tree`, `xml_tree`) and follows `paths`;
`forms` gives the same at once for a document like one before (`leaves`). `reader` says what they mean, in `events`
(`capture_time`, `plate_text`); `camera` makes messages and readings of it, and `merge` one reading of a vehicle's
several packets. `recording` takes off what a file has around it all.
"""
