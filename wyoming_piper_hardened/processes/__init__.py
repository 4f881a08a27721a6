"""Starting, watching, killing and diagnosing child processes."""
