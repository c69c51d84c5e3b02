-- Each site has a stream of its own: a partition has a position in each of them.

alter table lease add column positions jsonb not null default '{}';
comment on column lease.positions is
  'By the name of a stream of reports: {"position", "made"}. Everything of this partition up to that sequence is committed, but for the backlog.
   made says in which stream of this name it counts, by the time of its creation; another one is read from its beginning.';
update lease set positions = jsonb_build_object('DEVICES', jsonb_build_object('position', position, 'made', stream))
where position > 0 or stream is not null;
alter table lease drop column position, drop column stream;

comment on column lease.backlog is
  'What up to these positions was set aside while others waited, and is not committed yet: a range for each stretch of messages of a device,
   as {stream, site, device, from, to, messages}. Between two sequences are all messages of that device in the stream; site and device are
   empty where nobody wrote down whose the one message is.';
update lease set backlog = (
  select jsonb_agg(range || '{"stream": "DEVICES"}' order by ordinality) from jsonb_array_elements(backlog) with ordinality as r (range, ordinality)
) where backlog <> '[]';

alter table dead_letter add column stream text not null default 'DEVICES';
alter table dead_letter alter column stream drop default;
comment on table dead_letter is 'Journal: messages that could not be read. Their bytes are in the stream of their site while it keeps them.';
comment on column dead_letter.stream is 'The stream of their site; DEVICES where all sites still had one together.';
comment on column dead_letter.sequence is 'In that stream.';
