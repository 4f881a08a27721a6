"""The check of the built image, run by `script/test-image`. Nothing here is collected by pytest."""
