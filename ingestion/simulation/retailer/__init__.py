"""A made-up retailer: what it sells and where, who visits, and how its stock moves."""
