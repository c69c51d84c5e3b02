-- Who asked for a command, proved, beside on whose behalf, which anyone can write.

alter table command add column asker text;
comment on column command.by is 'On whose behalf, as the caller wrote it: a claim.';
comment on column command.asker is
  'Who asked, proved: nats:<account> by the hub, http:<name of the token> by the node that was asked. Null: the twin itself, or '
  'accepted before this was kept.';

create or replace view ledger as
select d.id as device, c.id, c.n, c.name, c.args::jsonb, c.by, c.outcome, c.reason, c.proof,
  c.accepted_at, c.sent_at, c.certain_at, c.decided_at, c.closed_at, c.incarnation, c.boot, c.not_after_up, c.hold_ms, c.epoch,
  c.compensated_by, c.asker
from command c join device d on d.key = c.device;
