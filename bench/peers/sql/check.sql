-- One line: settlements, wrong sums of a settlement, entries that do not add up to what accounts paid, accounts below 0, what accounts hold, were given, paid;
-- then settlements by number of legs.
SELECT count(*), count(*) FILTER (WHERE own + aid + cash <> payable), sum(own + aid),
  (SELECT -sum(amount) FROM entries), (SELECT count(*) FROM entries), sum(legs),
  (SELECT count(*) FROM accounts WHERE balance < 0), (SELECT sum(balance) FROM accounts), (SELECT coalesce(sum(amount), 0) FROM credits),
  count(*) FILTER (WHERE legs = 0), count(*) FILTER (WHERE legs = 1), count(*) FILTER (WHERE legs = 2), count(*) FILTER (WHERE legs = 3), count(*) FILTER (WHERE legs > 3),
  count(*) FILTER (WHERE aid > 0)
FROM settlements;
