{#- JSON on Teradata. TWIST_TERADATA_JSON chooses how a line is read, until a system has answered
    the probes (tests/teradata/ledger.yml):

    functions   JSON_CHECK says whether it is JSON, JSONExtract gives each value as written. Their
                limits, by their manual, are larger than any line of NOS. Patterns, without
                recursion, ask what the functions forgive.
    patterns    Perl's recursive patterns alone; lines of more than 8,000 characters are quarantined,
                as REGEXP_SUBSTR fails beyond that.

    teradata_is_object(line)       1 for one JSON object, strictly as in RFC 8259, without NUL, halves
                                   of surrogate pairs and what NOS could not decode (U+FFFD), nested
                                   at most 20 deep
    teradata_repeats_key(line)     1 where some object has a key twice, or a key with an escape
                                   (which may equal another key; no pattern can detect that)
    teradata_json_token(name)      the value of a top-level member, as written, null if absent
    teradata_json_text(name, length)
                                   the text of a member that is a string, null for '' and for other
                                   types. Only one with an escape needs a JSON function. Trailing
                                   blanks of an id are removed: Teradata's comparisons ignore them.
                                   Two characters more than allowed are kept, as a cut through a
                                   surrogate pair may lose one, and a longer one must be refused. -#}
{% macro teradata_is_object(line) -%}
  {%- if setting('teradata_json') == 'patterns' -%}
    {{ return("case when character_length(" ~ line ~ ") <= 8000 and regexp_similar(" ~ line ~ ", '"
        ~ teradata_recursive_grammar() ~ '(?&w)\\{(?&w)(?:(?&m)(?:,(?&w)(?&m))*)?\\}(?&w)' ~ "', 'c') = 1 then 1 else 0 end") }}
  {%- endif -%}
  {%- set json = teradata_json_words() -%}
  {%- set words = json.between ~ '+(?:(?:' ~ json.string ~ '|' ~ json.number ~ '|true|false|null)' ~ json.between ~ '+)*' -%}
  {{ return("case when json_check(" ~ line ~ ") = 'OK' and regexp_similar(" ~ line ~ ", '" ~ words
      ~ "', 'c') = 1 and regexp_similar(" ~ line ~ ", '[ \\t\\r\\n]*\\{" ~ teradata_nested(20) ~ "\\}[ \\t\\r\\n]*', 'c') = 1 then 1 else 0 end") }}
{%- endmacro %}

{% macro teradata_repeats_key(line) -%}
  {%- set space = '[ \\t\\r\\n]*' -%}
  {%- if setting('teradata_json') == 'patterns' -%}
    {%- set pattern = teradata_recursive_grammar() ~ '(?:[^"]|(?&s))*?\\{(?&w)(?:(?&m),(?&w))*?'
        ~ '(?:("[^"\\\\]*")(?&w):(?&w)(?&v)(?&w),(?&w)(?:(?&m),(?&w))*?\\6(?&w):.*'
        ~ '|"[^"\\\\]*\\\\(?:[^"\\\\]|\\\\.)*"(?&w):.*)' -%}
  {%- else -%}
    {%- set any_string, inside = '"[^"\\\\]*(?:\\\\.[^"\\\\]*)*"', teradata_nested(20, '*?') -%}
    {%- set pattern = '(?:[^"]|' ~ any_string ~ ')*?(?:\\{' ~ inside ~ '("[^"\\\\]*")' ~ space ~ ':' ~ inside ~ '\\1' ~ space ~ ':.*'
        ~ '|"[^"\\\\]*\\\\(?:[^"\\\\]|\\\\.)*"' ~ space ~ ':.*)' -%}
  {%- endif -%}
  {{ return("case when regexp_similar(" ~ line ~ ", '" ~ pattern ~ "', 'c') = 1 then 1 else 0 end") }}
{%- endmacro %}

{% macro teradata_json_token(name) -%}
  {%- if setting('teradata_json') == 'patterns' -%}
    {{ return("cast(regexp_substr(raw_line, '" ~ teradata_recursive_grammar() ~ '\\A(?&w)\\{(?&w)(?:(?&m),(?&w))*?"' ~ name
        ~ '"(?&w):(?&w)\\K(?&v)' ~ "', 1, 1, 'c') as " ~ text_type(8000) ~ ")") }}
  {%- endif -%}
  {#- An array of the one value that was found -#}
  {%- set found = "cast(document.jsonextract('$." ~ name ~ "') as " ~ text_type(32000) ~ ")" -%}
  {{ return("substring(" ~ found ~ " from 2 for character_length(" ~ found ~ ") - 2)") }}
{%- endmacro %}

{% macro teradata_json_text(name, length=none) -%}
  {%- set token = (name[1:] if name.startswith('_') else name) ~ '_token' -%}
  {%- set value -%}
case
            when {{ token }} is null or substring({{ token }} from 1 for 1) <> '"' then cast(null as {{ text_type(32000) }})
            when position('\' in {{ token }}) = 0
                then cast(substring({{ token }} from 2 for character_length({{ token }}) - 2) as {{ text_type(32000) }})
            else cast(cast(raw_line as json(32000) character set unicode).jsonextractlargevalue('$.{{ name }}') as {{ text_type(32000) }})
        end
  {%- endset -%}
  {%- if length -%}
    {{ return("nullif(cast(substring(trim(trailing from " ~ value ~ ") from 1 for " ~ (length + 2) ~ ") as " ~ text_type(length + 2) ~ "), '')") }}
  {%- endif -%}
  {{ return("nullif(" ~ value ~ ", '')") }}
{%- endmacro %}

{#- The tokens of JSON as patterns: a string, a number, and the characters between two tokens. -#}
{% macro teradata_json_words() -%}
  {%- set hex = '[0-9a-fA-F]' -%}
  {%- set half = '[dD][89abAB]' ~ hex ~ '{2}', '[dD][c-fC-F]' ~ hex ~ '{2}' -%}
  {%- set code = '(?!0000|[dD][89a-fA-F])' ~ hex ~ '{4}|' ~ half[0] ~ '\\\\u' ~ half[1] -%}
  {{ return({
      'string': '"(?:[^"\\\\\\x00-\\x1f\ufffd]|\\\\(?:["\\\\/bfnrt]|u(?:' ~ code ~ ')))*"',
      'number': '-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?',
      'between': '[{}:, \\t\\r\\n\\[\\]]',
  }) }}
{%- endmacro %}

{#- The text inside a bracket of a line that is JSON, with at most this many levels of brackets. -#}
{% macro teradata_nested(levels, often='*') -%}
  {%- set plain, any_string = '[^"{}\\[\\]]*', '"[^"\\\\]*(?:\\\\.[^"\\\\]*)*"' -%}
  {%- set ns = namespace(inside=plain ~ '(?:' ~ any_string ~ plain ~ ')*') -%}
  {%- for level in range(levels - 1) -%}
    {%- set ns.inside = plain ~ '(?:(?:' ~ any_string ~ '|[\\[{]' ~ ns.inside ~ '[\\]}])' ~ plain ~ ')*' -%}
  {%- endfor -%}
  {{ return(ns.inside[:-1] ~ often) }}
{%- endmacro %}

{#- s (a string), n (a number), v (a value) and m (a member), as patterns that call one another. -#}
{% macro teradata_recursive_grammar() -%}
  {%- set json = teradata_json_words() -%}
  {{ return('(?(DEFINE)(?<s>' ~ json.string ~ ')(?<n>' ~ json.number ~ ')'
      ~ '(?<w>[ \\t\\r\\n]*)'
      ~ '(?<v>(?&s)|(?&n)|true|false|null'
      ~ '|\\[(?&w)(?:(?&v)(?&w)(?:,(?&w)(?&v)(?&w))*)?\\]'
      ~ '|\\{(?&w)(?:(?&m)(?:,(?&w)(?&m))*)?\\})'
      ~ '(?<m>(?&s)(?&w):(?&w)(?&v)(?&w)))') }}
{%- endmacro %}
