\set m :msgid0 + :client_id * 1000000000 + :n
\set t (:thin0 + :client_id * (:thins / :clients) * ({{thin_stride}} % :thins)) % :thins
SELECT settle_fifty(:m, :n, :t, :thins, :riches);
\set n :n + 50
\if :n % 900 = 0
\set thinfrom (:thin0 + :client_id * (:thins / :clients) * ({{thin_stride}} % :thins)) % :thins
\set richfrom (:rich0 + :client_id * (:riches / :clients) * ({{rich_stride}} % :riches)) % :riches
\set round :n / 30 - 30
SELECT credit_rounds(:thinfrom, :richfrom, :round, 30, :thins, :riches);
\endif
