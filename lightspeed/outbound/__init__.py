"""The only way out of the house: requests that cannot be led astray, held up or flooded.

`addresses` says where we may connect to, `network` connects there and nowhere else, `transport`
makes an httpx2 transport of that, `answers` reads a bounded JSON answer through any transport.
"""
