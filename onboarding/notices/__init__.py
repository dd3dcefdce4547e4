"""Mail: letters of one shape, and the outbox that brings them on their way.

letters.py   what a letter is: a subject, a few sentences, one action
outbox.py    a row a recipient, sealed until it is sent; the worker's duty with its retries
backend.py   Django's way of sending, which writes to the outbox
"""
