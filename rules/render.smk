# Every font, digit and angle as an image normalised like MNIST's.
#   in:  results/fonts/
#   out: results/render/{train,test}.npz (images, labels, fonts, angles)


rule render:
    input:
        code=code("render.py"),
        fonts="results/fonts/fonts.csv",
        files="results/fonts/files",
    output:
        train="results/render/train.npz",
        test="results/render/test.npz",
    log:
        "results/logs/render.log",
    benchmark:
        "results/benchmarks/render.tsv"
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(10),
    params:
        config=asdict(EXPERIMENT.render),
    script:
        "../workflow/scripts/render.py"
