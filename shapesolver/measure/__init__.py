"""What a derived network costs, sees and leaves unread."""
