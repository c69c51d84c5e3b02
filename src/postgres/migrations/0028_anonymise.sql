-- Who asked to be forgotten is a person, and no device: what is kept `by` them bears another name from then on, over all devices.

create function anonymise(person text, instead text)
returns table (place text, changed bigint, still_in text[])
language plpgsql as $$
#variable_conflict use_column
declare
  quoted constant text := to_json(person)::text;
  said constant text := person || ': ';
begin
  if coalesce(person, '') = '' or coalesce(instead, '') = '' or position(person in instead) > 0 then
    raise exception 'anonymise(person, instead) takes what stands in `by`, and another name that does not contain it';
  end if;
  still_in := null;

  update command set
    by = case when by = person then instead else by end,
    proof = case when proof like 'engineer: %' then replace(proof, said, instead || ': ') else proof end
  where by = person or (proof like 'engineer: %' and position(said in proof) > 0);
  place := 'command';
  get diagnostics changed = row_count;
  return next;

  update outcome set entry = (entry::jsonb || jsonb_build_object(
    'by', case when entry ->> 'by' = person then instead else entry ->> 'by' end,
    'proof', case when entry ->> 'proof' like 'engineer: %' then replace(entry ->> 'proof', said, instead || ': ') else entry ->> 'proof' end
  ))::json
  where entry ->> 'by' = person or (entry ->> 'proof' like 'engineer: %' and position(said in entry ->> 'proof') > 0);
  place := 'outcome';
  get diagnostics changed = row_count;
  return next;

  update transition set detail = replace(detail, said, instead || ': ')
  where cause = 'engineer' and position(said in detail) > 0;
  place := 'transition';
  get diagnostics changed = row_count;
  return next;

  update forgotten set by = instead where by = person;
  place := 'forgotten';
  get diagnostics changed = row_count;
  return next;

  -- A twin is its owner's to write: said, not changed.
  place := 'twin';
  changed := 0;
  select array_agg(d.id order by d.id) into still_in from twin t join device d on d.key = t.device
  where t.hold ->> 'by' = person
    or position(convert_to(person, 'UTF8') in t.snapshot) > 0
    or position(quoted in coalesce(t.suspicions::text, '')) > 0;
  return next;
end $$;
comment on function anonymise(text, text) is
  'Puts another name in the place of a person''s wherever a command was given, or a word said, by them, over all devices; and names the devices whose twins still have it, which forget it by themselves (docs/operations.md).';
