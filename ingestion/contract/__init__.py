"""What producers send: the topics, their JSON Schemas, and the check of a line against them."""
