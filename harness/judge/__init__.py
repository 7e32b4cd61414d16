"""Tests of evidence: pure predicates. They only count; nothing here leaves a sample out."""
