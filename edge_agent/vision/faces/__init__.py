"""Faces: found, judged, turned into templates and compared, on the gate machine alone.

`reader` joins the models; `session` and `lane` run a traveller's check; `gallery` holds one sailing's templates under
that sailing's key; `calibration` says what a threshold is worth on a site's own images. Only `check.FaceCheck` leaves.
"""
