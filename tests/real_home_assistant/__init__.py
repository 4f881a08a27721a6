"""The server's check with a real Home Assistant Core, run by `script/test-home-assistant`.

`describe` and `report` run with the developer's Python, all else with the one of the root file
system that `build-rootfs` makes, beside a real Home Assistant. Nothing here is collected by pytest.
"""
