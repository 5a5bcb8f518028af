"""The page docs/devices/others.md, made from the profiles of every kind but scales and plate cameras."""
