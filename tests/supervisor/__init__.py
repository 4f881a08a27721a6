"""A simulated Supervisor: the part of its API that an app may use, over real HTTP.

``PYTHONPATH=tests python -m supervisor --port 8000 --token secret`` runs it by itself.
"""
