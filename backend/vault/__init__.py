"""Identity, bank and phone numbers: taken out of what people write, kept encrypted, shown masked."""
