//! LLM answers: usage records and what the provider charges.
