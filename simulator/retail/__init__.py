"""R-Series and X-Series: consent, tokens that rotate, accounts, and the keys of before OAuth."""
