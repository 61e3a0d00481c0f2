# Whether synthetic images help, converted or not, and by how much.
#   in:  what every classifier makes of every real test image, splits
#   out: results/verdict.{csv,md,html}


rule verdict:
    input:
        code=code("verdict.py"),
        template=SRC / "synth2real" / "verdict" / "page.html",
        predictions=of_chains("predictions_seed{seed}.npz"),
        splits=SPLITS,
    output:
        table="results/verdict.csv",
        text="results/verdict.md",
        page="results/verdict.html",
    log:
        "results/logs/verdict.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(5),
    params:
        chains=CHAINS,
        splits=CHAIN_KEYS,
        titles=TITLES,
    script:
        "../workflow/scripts/verdict.py"
