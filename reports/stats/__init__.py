"""Pure statistics: numbers in, numbers out; nothing here knows of tables or trials."""
