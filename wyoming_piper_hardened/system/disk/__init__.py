"""Disks: their features, and locks on those that have none."""
