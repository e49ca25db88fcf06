import sys, time, nbformat
from pathlib import Path
sys.path.insert(0,'/work/main')
from nbclient import NotebookClient
src, dst = Path(sys.argv[1]), Path(sys.argv[2])
nb=nbformat.read(src,4); t=time.time()
c=NotebookClient(nb,timeout=3600,kernel_name="python3",resources={"metadata":{"path":"/work/main/notebooks"}},extra_arguments=["--log-level=ERROR"])
try:
    c.execute(stderr=open('/tmp/nb_stderr.log','w'))
finally:
    nbformat.write(nb,dst)
print("done",round(time.time()-t),"s")
