"""From records to rows, pairs and categories; linear in the number of samples."""
