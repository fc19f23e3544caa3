-- One settlement: own account first, then relatives in an order drawn at random, each what it has; the rest is cash.
--
-- Locks. A bill that the own account covers locks one row, and waits for nothing behind it. Any other locks the patient's and all his relatives' rows with
-- one statement, in the order of their ids, before it reads them; it holds no row when it begins. So nobody ever waits for a smaller id than he holds.
--
-- Repeats. The message id is looked up first; two at the same moment meet at the primary key, the later one's transaction ends with unique_violation and its
-- caller asks again.
CREATE FUNCTION settle(m bigint, p int, i int, a bigint) RETURNS answer
LANGUAGE plpgsql AS $$
DECLARE
  old  settlements;
  res  answer;
  todo bigint := a;
  give bigint;
  n    smallint := 0;
  r    record;
BEGIN
  SELECT * INTO old FROM settlements WHERE msgid = m;
  IF FOUND THEN
    IF old.patient = p AND old.institution = i AND old.payable = a THEN
      RETURN (2, old.own, old.aid, old.cash, old.balc)::answer;
    END IF;
    RETURN (3, 0, 0, 0, 0)::answer;
  END IF;
  UPDATE accounts SET balance = balance - a WHERE id = p AND balance >= a RETURNING balance INTO res.balc;
  IF FOUND THEN
    INSERT INTO entries VALUES (m, p, -a, res.balc);
    INSERT INTO settlements VALUES (m, p, i, a, a, 0, 0, res.balc, 1);
    RETURN (1, a, 0::bigint, 0::bigint, res.balc)::answer;
  END IF;
  res := (1, 0, 0, 0, 0)::answer;
  FOR r IN
    SELECT id, balance FROM (
      SELECT id, balance FROM accounts
      WHERE id = ANY (array_append((SELECT authorizers FROM authorizations WHERE person = p), p))
      ORDER BY id FOR NO KEY UPDATE) locked
    WHERE balance > 0 ORDER BY id <> p, random()
  LOOP
    EXIT WHEN todo = 0;
    give := least(r.balance, todo);
    todo := todo - give;
    n := n + 1;
    UPDATE accounts SET balance = balance - give WHERE id = r.id;
    INSERT INTO entries VALUES (m, r.id, -give, r.balance - give);
    IF r.id = p THEN
      res.own := give;
      res.balc := r.balance - give;
    ELSE
      res.aid := res.aid + give;
    END IF;
  END LOOP;
  res.cash := todo;
  INSERT INTO settlements VALUES (m, p, i, a, res.own, res.aid, res.cash, res.balc, n);
  RETURN res;
END $$;
