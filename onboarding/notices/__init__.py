"""Mail: letters of one shape, what people want to be told, and the outbox.

letters.py       what a letter is: a subject, a few sentences, one action
preferences.py   who wants to be told of what, and the links that stop it
watching.py      keys that ail or recover: told once, when it has lasted; words in key_letters.py
outbox.py        a row a recipient, sealed until it is sent; the worker's duty with its retries
bounces.py       addresses that mail servers refuse, and their reports
backend.py       Django's way of sending, which writes to the outbox
"""
