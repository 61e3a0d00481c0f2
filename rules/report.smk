# What came out and what ran, in one page.
#   in:  results/{verdict,accuracy,gap}.csv, results/figures/*.svg, the settings, the lock
#   out: results/manifest.json, results/report.html


rule manifest:
    input:
        code=code("manifest.py"),
        accuracy="results/accuracy.csv",
        # What else it is of: it says which code made them, and when.
        gap="results/gap.csv",
        verdict="results/verdict.csv",
        lock=ROOT / "envs" / f"{'gpu' if GPU else 'cpu'}.txt",
    output:
        "results/manifest.json",
    log:
        "results/logs/manifest.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        root=str(ROOT),
        config=asdict(EXPERIMENT) | {"sizes": [*SIZES]},
    script:
        "../workflow/scripts/manifest.py"


rule report:
    input:
        code=code("report.py"),
        template=SRC / "synth2real" / "report" / "page.html.jinja",
        verdict="results/verdict.csv",
        accuracy="results/accuracy.csv",
        gap="results/gap.csv",
        manifest="results/manifest.json",
        figures=expand("results/figures/{figure}.svg", figure=FIGURES),
        rulegraph=ROOT / "docs" / "rulegraph.svg",
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        titles=TITLES,
        shown=SHOWN_TITLES,
        figures=FIGURES,
    script:
        "../workflow/scripts/report.py"
