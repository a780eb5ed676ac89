"""Vega, Vega-Lite and Vega-Embed as one script, from the package vl-convert-python."""

from functools import cache

from ingestion.settings import ROOT

CACHE = ROOT / ".data" / "cache"


@cache
def vega_runtime() -> str:
    """The script that defines `vegaEmbed`; about 0.9 MB. Cached: bundling takes seconds."""
    import vl_convert

    versions = (
        vl_convert.get_vega_version(),
        vl_convert.get_vegalite_versions()[-1],
        vl_convert.get_vega_embed_version(),
    )
    path = CACHE / f"vega-{'-'.join(versions)}.js"
    if not path.exists():
        script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
        notice = "/* Vega, Vega-Lite, Vega-Embed and what they use: BSD 3-Clause, MIT and ISC. */\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(notice + script.replace("</script", "<\\/script"))
        part.replace(path)
    return path.read_text()
