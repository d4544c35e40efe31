// Runs a declarative pipeline of Jenkins, whose file is the argument: what its steps say to `sh` for real, in the current directory. `checkout`
// does nothing, and gives what it gives in Jenkins by the variable PREVIOUS_SUCCESSFUL.
env = [:]
any = 'any'
scm = [
    branches: [], extensions: [],
    userRemoteConfigs: [[url: 'u', credentialsId: 'c', refspec: '+refs/heads/x:refs/remotes/origin/x']],
]
def runs = true
def shell = { script ->
    def builder = new ProcessBuilder('sh', '-e', '-c', script).inheritIO()
    builder.environment().putAll(env)
    builder.start().waitFor()
}
def inside = { body -> body() }
def vocabulary = [
    pipeline: inside, stages: inside, script: inside, docker: inside, expression: inside,
    options: inside, skipDefaultCheckout: { -> },
    agent: { it instanceof Closure ? it() : it }, label: { it }, image: { it },
    stage: { name, body -> println "stage: $name"; runs = true; body() },
    when: { body -> runs = body() },
    steps: { body -> if (runs) body() },
    checkout: { settings ->
        assert settings.userRemoteConfigs*.refspec == ['+refs/heads/x:refs/remotes/origin/x +refs/heads/*:refs/remotes/origin/*']
        [GIT_PREVIOUS_SUCCESSFUL_COMMIT: System.getenv('PREVIOUS_SUCCESSFUL')]
    },
    sh: { what ->
        def code = shell(what instanceof Map ? what.script : what)
        if (what instanceof Map && what.returnStatus) return code
        if (code != 0) System.exit(code)
    },
]
def binding = new Binding(vocabulary + [env: env, any: any, scm: scm])
new GroovyShell(binding).evaluate(new File(args[0]))
