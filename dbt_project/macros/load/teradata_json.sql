{#- JSON on Teradata, checked by Perl-style regular expressions on the raw line: its JSON
    functions return values without their types, and fail a whole request for one bad line.

    teradata_json_grammar()        defines s (a string), n (a number), v (a value), m (a member):
                                   RFC 8259, without NUL, halves of surrogate pairs and what NOS
                                   could not decode (U+FFFD)
    teradata_json_object()         a line that is one object
    teradata_json_repeated_key()   a line in which some object has a key twice, or a key with an
                                   escape (which may equal another key; no pattern can detect that)
    teradata_json_token(name)      the value of a top-level member, as written
    teradata_json_text(token, length)
                                   the text of a string token, null for '' and for other types.
                                   Only one with an escape needs a JSON function. Trailing blanks
                                   of an id are removed: Teradata's comparisons ignore them. -#}
{% macro teradata_json_grammar() -%}
  {%- set hex = '[0-9a-fA-F]' -%}
  {%- set half = '[dD][89abAB]' ~ hex ~ '{2}', '[dD][c-fC-F]' ~ hex ~ '{2}' -%}
  {%- set code = '(?!0000|[dD][89a-fA-F])' ~ hex ~ '{4}|' ~ half[0] ~ '\\\\u' ~ half[1] -%}
  {{ return('(?(DEFINE)'
      ~ '(?<s>"(?:[^"\\\\\\x00-\\x1f\ufffd]|\\\\(?:["\\\\/bfnrt]|u(?:' ~ code ~ ')))*")'
      ~ '(?<n>-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)'
      ~ '(?<w>[ \\t\\r\\n]*)'
      ~ '(?<v>(?&s)|(?&n)|true|false|null'
      ~ '|\\[(?&w)(?:(?&v)(?&w)(?:,(?&w)(?&v)(?&w))*)?\\]'
      ~ '|\\{(?&w)(?:(?&m)(?:,(?&w)(?&m))*)?\\})'
      ~ '(?<m>(?&s)(?&w):(?&w)(?&v)(?&w)))') }}
{%- endmacro %}

{% macro teradata_json_object() -%}
  {{ return(teradata_json_grammar() ~ '(?&w)\\{(?&w)(?:(?&m)(?:,(?&w)(?&m))*)?\\}(?&w)') }}
{%- endmacro %}

{% macro teradata_json_repeated_key() -%}
  {{ return(teradata_json_grammar() ~ '(?:[^"]|(?&s))*?\\{(?&w)(?:(?&m),(?&w))*?'
      ~ '(?:("[^"\\\\]*")(?&w):(?&w)(?&v)(?&w),(?&w)(?:(?&m),(?&w))*?\\6(?&w):.*'
      ~ '|"[^"\\\\]*\\\\(?:[^"\\\\]|\\\\.)*"(?&w):.*)') }}
{%- endmacro %}

{% macro teradata_json_token(name) -%}
  {{ return("regexp_substr(raw_line, '" ~ teradata_json_grammar()
      ~ '\\A(?&w)\\{(?&w)(?:(?&m),(?&w))*?"' ~ name ~ '"(?&w):(?&w)\\K(?&v)' ~ "', 1, 1, 'c')") }}
{%- endmacro %}

{% macro teradata_json_text(token, length=none) -%}
  {%- set document = "cast('{\"v\":' || " ~ token ~ " || '}' as json(32000) character set unicode)" -%}
  {%- set value -%}
case
            when substring({{ token }} from 1 for 1) <> '"' then cast(null as {{ text_type(32000) }})
            when position('\' in {{ token }}) = 0
                then cast(substring({{ token }} from 2 for character_length({{ token }}) - 2) as {{ text_type(32000) }})
            else cast({{ document }}.jsonextractlargevalue('$.v') as {{ text_type(32000) }})
        end
  {%- endset -%}
  {%- if length -%}
    {{ return("nullif(cast(substring(trim(trailing from " ~ value ~ ") from 1 for " ~ (length + 1) ~ ") as " ~ text_type(length + 1) ~ "), '')") }}
  {%- endif -%}
  {{ return("nullif(" ~ value ~ ", '')") }}
{%- endmacro %}
