"""A stand-in Lightspeed that can be run; it shares no code with the vendor client it tests."""
