-- Many settlements in one call and one commit, each with an answer of its own; the rule is that of settle().
--
-- All rows that may be needed are locked first, in the order of ids; then everything is worked out in memory and written with one statement a table, which is
-- twice as fast as calling settle() in a loop. If a bill needs a relative whose row is not locked (the patient's account was emptied between two statements)
-- the transaction ends with serialization_failure and its caller asks again.
CREATE FUNCTION settle_many(ms bigint[], ps int[], insts int[], bills bigint[]) RETURNS answer[]
LANGUAGE plpgsql AS $$
DECLARE
  n        int := cardinality(ms);
  ids      int[];
  had      bigint[]; -- balances, by place in ids
  have     bigint[];
  own      bigint[] := array_fill(0::bigint, ARRAY[n]);
  aid      bigint[] := own;
  cash     bigint[] := own;
  balc     bigint[] := own;
  legs     smallint[] := own::smallint[];
  entry_m  bigint[] := '{}';
  entry_id int[] := '{}';
  entry_a  bigint[] := '{}';
  entry_b  bigint[] := '{}';
  answers  answer[] := '{}';
  todo     bigint;
  give     bigint;
  at       int;
  who      int;
  others   int[];
BEGIN
  SELECT array_agg(id), array_agg(balance) INTO ids, had FROM (
    SELECT id, balance FROM accounts WHERE id = ANY (ARRAY(
      SELECT unnest(ps)
      UNION ALL
      SELECT unnest(z.authorizers)
      FROM (SELECT p, sum(b)::bigint AS need FROM unnest(ps, bills) AS u(p, b) GROUP BY p) patients
      JOIN accounts c ON c.id = patients.p AND c.balance < patients.need
      JOIN authorizations z ON z.person = patients.p))
    ORDER BY id FOR NO KEY UPDATE) locked;
  IF EXISTS (SELECT FROM settlements WHERE msgid = ANY (ms)) OR n <> (SELECT count(DISTINCT m) FROM unnest(ms) AS m) THEN
    FOR k IN 1..n LOOP -- repeats among them: rare, so one by one
      answers := answers || settle(ms[k], ps[k], insts[k], bills[k]);
    END LOOP;
    RETURN answers;
  END IF;
  have := had;
  FOR k IN 1..n LOOP
    todo := bills[k];
    at := array_position(ids, ps[k]);
    give := least(have[at], todo);
    IF give > 0 THEN
      have[at] := have[at] - give;
      todo := todo - give;
      own[k] := give;
      legs[k] := 1;
      entry_m := entry_m || ms[k];
      entry_id := entry_id || ps[k];
      entry_a := entry_a || -give;
      entry_b := entry_b || have[at];
    END IF;
    balc[k] := have[at];
    IF todo > 0 THEN
      SELECT ARRAY(SELECT x FROM unnest(authorizers) AS x ORDER BY random()) INTO others FROM authorizations WHERE person = ps[k];
      FOREACH who IN ARRAY others LOOP
        EXIT WHEN todo = 0;
        at := array_position(ids, who);
        IF at IS NULL THEN
          RAISE EXCEPTION 'account % is needed and not locked', who USING ERRCODE = 'serialization_failure';
        END IF;
        give := least(have[at], todo);
        CONTINUE WHEN give = 0;
        have[at] := have[at] - give;
        todo := todo - give;
        aid[k] := aid[k] + give;
        legs[k] := legs[k] + 1;
        entry_m := entry_m || ms[k];
        entry_id := entry_id || who;
        entry_a := entry_a || -give;
        entry_b := entry_b || have[at];
      END LOOP;
    END IF;
    cash[k] := todo;
    answers := answers || (1, own[k], aid[k], todo, balc[k])::answer;
  END LOOP;
  UPDATE accounts c SET balance = new.after FROM unnest(ids, had, have) AS new(id, before, after) WHERE c.id = new.id AND new.before <> new.after;
  INSERT INTO entries SELECT * FROM unnest(entry_m, entry_id, entry_a, entry_b);
  INSERT INTO settlements SELECT *, now() FROM unnest(ms, ps, insts, bills, own, aid, cash, balc, legs);
  RETURN answers;
END $$;
