"""How fresh and how sound the data is: freshness rules, check results, alerts."""
