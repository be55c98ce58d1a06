"""A stock gRPC client in Python: code made by protoc from the published .proto files, grpcio, nothing of ours.

python3 jobs-client.py PROTO_FOLDER ADDRESS CA_FILE TOKEN NAMESPACE FUNCTION; writes what it saw as JSON.
"""
import importlib
import json
import subprocess
import sys
import tempfile

import grpc

proto, address, ca_file, token, namespace, function = sys.argv[1:]
names = ["template", "execution", "job", "task"]
with tempfile.TemporaryDirectory() as folder:
    files = [f"{proto}/tsumugi/jobs/v1/{name}.proto" for name in names]
    arguments = [f"-I{proto}", f"--python_out={folder}", *files]
    try:
        import grpc_tools.protoc

        grpc_tools.protoc.main(["protoc", f"-I{grpc_tools.__path__[0]}/_proto", *arguments])
    except ImportError:
        subprocess.run(["protoc", *arguments], check=True)
    sys.path.insert(0, folder)
    template, execution, job, task = (importlib.import_module(f"tsumugi.jobs.v1.{name}_pb2") for name in names)

with open(ca_file, "rb") as file:
    credentials = grpc.ssl_channel_credentials(file.read())
credentials = grpc.composite_channel_credentials(credentials, grpc.access_token_call_credentials(token))

with grpc.secure_channel(address, credentials) as channel:

    def method(service, name, request, response, streams=False):
        make = channel.unary_stream if streams else channel.unary_unary
        return make(
            f"/tsumugi.jobs.v1.{service}/{name}",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )

    wanted = job.Job(template=template.ExecutionTemplate(template=template.TaskTemplate()))
    wanted.template.template.call.function = function
    wanted.template.template.max_retries = 0
    for item in (2, 3):
        wanted.template.items.add().number_value = item
    create = method("Jobs", "CreateJob", job.CreateJobRequest, job.Job)
    created = create(job.CreateJobRequest(parent=f"namespaces/{namespace}", job_id="from-python", job=wanted))
    run = method("Jobs", "RunJob", job.RunJobRequest, execution.Execution)
    started = run(job.RunJobRequest(name=created.name))
    watch = method("Executions", "WatchExecution", execution.WatchExecutionRequest, execution.Execution, streams=True)
    last = None
    for last in watch(execution.WatchExecutionRequest(name=started.name), timeout=60):
        pass
    tasks = method("Tasks", "ListTasks", task.ListTasksRequest, task.ListTasksResponse)
    listed = tasks(task.ListTasksRequest(parent=started.name))
    try:
        create(job.CreateJobRequest(parent=f"namespaces/{namespace}", job_id="from-python", job=wanted))
        refused = None
    except grpc.RpcError as error:
        refused = error.code().name
    print(
        json.dumps(
            {
                "created": created.name,
                "status": execution.Execution.Status.Name(last.status),
                "results": [each.result.number_value for each in listed.tasks],
                "refused": refused,
            }
        )
    )
