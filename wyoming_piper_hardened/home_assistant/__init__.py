"""The server as an app of Home Assistant: options, discovery, commands."""
