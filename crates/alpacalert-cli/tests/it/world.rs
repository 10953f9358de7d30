//! Real servers, good and bad, and what is said about them.
