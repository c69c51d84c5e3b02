-- Which components are of a model: to find them, and to know when nobody names it any more.

create index component_model on component (model);
