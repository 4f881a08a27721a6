"""Engine processes under supervision, and the requests they speak."""
