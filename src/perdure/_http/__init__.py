"""What the routes of the API share: who asks, pages, filters, models, errors, dependencies."""
