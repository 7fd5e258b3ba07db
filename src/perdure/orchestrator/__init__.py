"""Who is told of states and answers what is known."""
