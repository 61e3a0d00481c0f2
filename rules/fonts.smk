# The font files, one Regular a family, each checked for ten different digits.
#   in:  resources/fonts.csv (pinned wheels), or a folder with the user's own fonts
#   out: results/fonts/files/, fonts.csv (family, style, licence, version), credits.md,
#        left_out.csv (one's own that are twice there, or cannot be used)

# Of the user's own, so that a change among them is noticed. As inputs Snakemake would not take all
# names that files have.
OWN = EXPERIMENT.fonts.folder


rule fonts:
    input:
        code=code("fonts.py"),
        manifest=FONT_MANIFEST,
    output:
        files=directory("results/fonts/files"),
        table="results/fonts/fonts.csv",
        credits="results/fonts/credits.md",
        left_out="results/fonts/left_out.csv",
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
        folder=OWN,
        digest=OWN and look(lambda: fonts_digest(Path(OWN))),
        families=EXPERIMENT.fonts.families,
        skip_bad=EXPERIMENT.fonts.skip_bad,
    script:
        "../workflow/scripts/fonts.py"
