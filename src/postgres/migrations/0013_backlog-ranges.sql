-- What is set aside stands by device: all that it said from one sequence to another. A device that says far too much takes one range.

alter table lease rename column backlog to backlog_sequences;
alter table lease add column backlog jsonb not null default '[]';
comment on column lease.backlog is
  'What up to position was set aside while others waited, and is not committed yet: a range for each stretch of messages of a device, as
   {site, device, from, to, messages}. Between two sequences are all messages of that device in the stream; site and device are empty
   where nobody wrote down whose the one message is.';

update lease set backlog = (
  select jsonb_agg(jsonb_build_object('site', '', 'device', '', 'from', sequence, 'to', sequence, 'messages', 1) order by sequence)
  from unnest(backlog_sequences) sequence
) where cardinality(backlog_sequences) > 0;
alter table lease drop column backlog_sequences;
