"""The camera link: pictures instead of bytes, from whatever kind of camera, file or folder.

`camera` supervises a source in a thread of its own and holds the newest frame; `watch` judges, without any I/O, whether
what comes makes sense. A source knows one way to get at pictures: `http_source`, `capture_source` (RTSP, V4L2, video
files), `pi_source` (picamera2), `file_source`. Whoever makes a source hands in how pictures are decoded: a link knows
no picture format.
"""
