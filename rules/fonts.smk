# The font files, one Regular a family, each checked for ten different digits.
#   in:  resources/fonts.csv (pinned wheels), or a folder with the user's own fonts
#   out: results/fonts/files/, fonts.csv (family, style, licence, version), credits.md


rule fonts:
    input:
        code=code("fonts.py"),
        manifest=FONT_MANIFEST,
        own=FONT_FILES,
    output:
        files=directory("results/fonts/files"),
        table="results/fonts/fonts.csv",
        credits=report(
            "results/fonts/credits.md", caption="../workflow/report/fonts.rst", category="Data"
        ),
    log:
        "results/logs/fonts.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(15),
    params:
        folder=EXPERIMENT.font_folder,
        families=EXPERIMENT.families,
    script:
        "../workflow/scripts/fonts.py"
