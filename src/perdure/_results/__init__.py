"""Results: documents, payloads and what is done with them."""
