"""Models of other frameworks in and out. Each framework is imported by what needs it, when it needs it."""
