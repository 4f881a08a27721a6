"""The reference of the API: its OpenAPI document, and a page for people that is made from it."""
